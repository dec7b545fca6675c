"""What people see and type: tables, the live night, the questions of a diagnosis."""
