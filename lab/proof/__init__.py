"""The proof that a scenario does what it promises: `lab verify`.

`matrix` and `confusion` are pure: what was recorded of a night in, rows out. `night` lives one;
`kept` saves and loads it; `table` shows it. `lived` is what a night comes to in a few numbers, and
`contributed` those of other people's machines.
"""
