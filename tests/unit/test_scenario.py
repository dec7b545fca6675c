"""Scenarios: declared, validated with file, line and column, varied by their seed."""

from __future__ import annotations

import re
from pathlib import Path

import jsonschema
import pytest
from customers import settings
from ruamel.yaml import YAML

from lab.errors import BadInput
from lab.library import Library, Words
from lab.load import LEAST_RATE, LONGEST_S, MOST_RATE, MOST_SEED
from lab.scenario import MINUTES_OF_CUSTOMERS, Scenario, ScenarioFile, scenario_schema
from tests.unit.world import SCENARIO, write_scenario

SHIPPED = Library()


@pytest.fixture(scope="module")
def words() -> Words:
    return Words.load()


def load(folder: Path, words: Words, text: str, seed: int = 0) -> Scenario:
    """A scenario of that text."""
    write_scenario(folder, "slow", text)
    return Library(folder / "scenarios", words).load("slow", seed)


def refusal(folder: Path, words: Words, text: str) -> str:
    """What is said about a scenario of that text."""
    with pytest.raises(BadInput) as raised:
        load(folder, words, text)
    return raised.value.message


def test_what_is_checked_can_be_begun() -> None:
    """The customers take whatever a scenario may ask for: of one limit there is one value."""
    assert settings.MAX_DURATION_S == LONGEST_S
    assert settings.MAX_SEED == MOST_SEED
    least, most = settings._BOUNDS["rate"]
    assert (least, True) == (LEAST_RATE, most >= MOST_RATE)
    longest = ScenarioFile.model_json_schema()["properties"]["minutes"]["maximum"]
    assert longest * MINUTES_OF_CUSTOMERS * 60 == LONGEST_S


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"minutes: 10": "minutes: 61"}, "minutes: Input should be less than or equal to 60"),
        ({"rate: 50": "rate: 0.01"}, "load.rate: Input should be greater than or equal to 0.1"),
        (
            {
                "rate: 50": "rate: 500",
                "fault: drop_index, table: photos, index: photos_user_recent_idx": (
                    "fault: load_multiplier, times: 3"
                ),
            },
            "1500 customers a second in the end; 1000 can come at most",
        ),
        ({"hold_s: 10": "hold_s: .inf"}, "hold_s: Input should be"),
        ({"value: 0.05": "value: .nan"}, "value: Input should be"),
    ],
)
def test_what_could_not_be_begun_is_refused_when_it_is_checked(
    tmp_path: Path, words: Words, changes: dict[str, str], said: str
) -> None:
    """And not minutes later, with the stack up and the first customer at the door."""
    text = SCENARIO
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    assert said in refusal(tmp_path, words, text)


@pytest.mark.parametrize("seed", [-1, 2**63, 10**30])
def test_a_seed_that_nobody_takes_is_refused(tmp_path: Path, words: Words, seed: int) -> None:
    """The customers and the journal count so far."""
    with pytest.raises(BadInput, match="a seed is a whole number from 0"):
        load(tmp_path, words, SCENARIO, seed)


@pytest.mark.parametrize("slug", SHIPPED.slugs())
class TestShipped:
    def test_every_seed_gives_a_valid_incident(self, slug: str) -> None:
        """Validated with every option of every choice."""
        assert SHIPPED.load(slug, 1).slug == slug

    def test_it_survives_the_journal(self, slug: str) -> None:
        """What is written down is what is read back."""
        scenario = SHIPPED.load(slug, 3)
        assert Scenario.model_validate_json(scenario.model_dump_json()) == scenario

    def test_it_has_help_remedy_and_temptations(self, slug: str) -> None:
        """At least three hints and three decoys, each saying why it tempts."""
        assert len(SHIPPED.load(slug, 0).hints) >= 3
        assert len(SHIPPED.decoys(slug)) >= 3
        assert all(decoy.why for decoy in SHIPPED.decoys(slug))

    def test_the_operators_scripts_use_no_lab_command(self, slug: str) -> None:
        """Ordinary tools only: what works here works at work."""
        for script in (SHIPPED.remedy(slug), *(decoy.path for decoy in SHIPPED.decoys(slug))):
            words = script.read_text().split()
            assert not {"lab", ".venv/bin/lab"} & set(words), script

    def test_the_learners_texts_do_not_name_the_answer(self, slug: str) -> None:
        """Neither the name, the title, the page nor the brief gives it away. Where a seed picks
        what breaks, any of them may be mentioned, as long as the text is the same for all."""
        ways = SHIPPED.ways(slug)
        texts = {
            " ".join((slug, one.title, one.page.text, SHIPPED.text(one, "brief"))).lower()
            for one in ways
        }
        assert len(texts) == 1
        told = texts.pop()
        objects = {one.truth.object.lower() for one in ways}
        assert len(objects) > 1 or objects.pop() not in told
        assert all(one.truth.cause.lower() not in told for one in ways)
        assert "index" not in told

    def test_its_debrief_is_of_the_way_that_was_lived(self, slug: str) -> None:
        """Whatever a seed picks that is spoken of, its own words are there, and of no other way."""
        raw = (SHIPPED.path(slug) / "debrief.md").read_text()
        spoken_of = re.findall(r"\$\{([\w.]+)\}", raw)
        ways = SHIPPED.ways(slug)
        assert bool(spoken_of) == (len(ways) > 1)
        for way in ways:
            text = SHIPPED.text(SHIPPED.load(slug, way.seed), "debrief")
            own = SHIPPED.load(slug, way.seed).picks
            assert "${" not in text
            for name in spoken_of:
                assert str(own[name]) in text
                others = {str(other.picks[name]) for other in ways} - {str(own[name])}
                # An object may well be named in what all have in common; a sentence is not.
                assert not any(" " in other and other in text for other in others)

    def test_an_older_incident_has_the_words_that_came_later(self, slug: str) -> None:
        """A debrief that says more than it did when the night began says it of that night."""
        for seed in range(4):
            scenario = SHIPPED.load(slug, seed)
            known = {key: one for key, one in scenario.picks.items() if len(str(one)) < 40}
            older = scenario.model_copy(update={"picks": known})
            assert SHIPPED.text(older, "debrief") == SHIPPED.text(scenario, "debrief")

    def test_the_exported_schema_accepts_it(self, slug: str) -> None:
        """An editor with the schema shows no error in a good file."""
        document = YAML(typ="safe").load(SHIPPED.path(slug) / "scenario.yaml")
        jsonschema.validate(document, scenario_schema())


def test_the_schema_refuses_what_the_lab_refuses() -> None:
    """A typo is red in the editor already."""
    document = YAML(typ="safe").load(SCENARIO)
    document["titel"] = document.pop("title")
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, scenario_schema())


def test_the_same_seed_makes_the_same_choices(tmp_path: Path, words: Words) -> None:
    """And other seeds other ones, somewhere."""
    text = SCENARIO.replace("rate: 50", "rate: {choice: rate}") + "choices: {rate: [40, 50, 60]}\n"
    write_scenario(tmp_path, "slow", text)
    library = Library(tmp_path / "scenarios", words)
    rates = [library.load("slow", seed).load.rate for seed in range(20)]
    assert rates == [library.load("slow", seed).load.rate for seed in range(20)]
    assert set(rates) == {40, 50, 60}


def test_texts_speak_of_what_was_picked(tmp_path: Path, words: Words) -> None:
    """`${name}` in a hint is the option; other braces are left alone."""
    text = SCENARIO.replace("look at the database", "look at ${where} and ${HOME}")
    scenario = load(tmp_path, words, text + "choices: {where: [photos]}\n")
    assert scenario.fill(scenario.hints[1].text) == "look at photos and ${HOME}"


def test_values_that_go_together_are_picked_together(tmp_path: Path, words: Words) -> None:
    """An option may be a mapping; `name.key` is one of its values, in the file and in texts."""
    text = SCENARIO.replace("rate: 50", "rate: {choice: night.rate}").replace(
        "look at the database", "look at ${night.where}"
    )
    text += "choices: {night: [{rate: 40, where: photos}, {rate: 60, where: albums}]}\n"
    write_scenario(tmp_path, "slow", text)
    library = Library(tmp_path / "scenarios", words)
    made = [library.load("slow", seed) for seed in range(20)]
    seen = {(one.load.rate, one.fill(one.hints[1].text)) for one in made}
    assert seen == {(40, "look at photos"), (60, "look at albums")}


LIGHT = (
    SCENARIO.replace("rate: 50", "rate: {choice: size.rate}").replace(
        "look at the database", "look at ${size.slots} slots"
    )
    + """
choices:
  size:
    - {rate: 40, slots: 4, light: {rate: 20, slots: 2}}
    - {rate: 60, slots: 6, light: {rate: 30, slots: 3}}
"""
)


def test_a_light_night_is_the_same_with_half_the_customers(tmp_path: Path, words: Words) -> None:
    """What an option says of it is in the file and in texts; nothing else is different, and it
    is still known of it in the journal."""
    write_scenario(tmp_path, "slow", LIGHT)
    library = Library(tmp_path / "scenarios", words)
    for seed, rate, slots in ((0, 20, 2), (1, 30, 3)):
        light, full = (library.load("slow", seed, light=one) for one in (True, False))
        assert (light.load.rate, light.fill(light.hints[1].text)) == (
            rate,
            f"look at {slots} slots",
        )
        assert (full.load.rate, full.fill(full.hints[1].text)) == (
            2 * rate,
            f"look at {2 * slots} slots",
        )
        assert (light.light, full.light) == (True, False)
        assert light.has_light
        assert full.has_light
        same = {"load": full.load, "picks": full.picks, "light": False}
        assert light.model_copy(update=same) == full
        assert Scenario.model_validate_json(light.model_dump_json()) == light


def test_where_no_light_night_is_declared_there_is_none(tmp_path: Path, words: Words) -> None:
    """Half the customers alone would be another night."""
    write_scenario(tmp_path)
    library = Library(tmp_path / "scenarios", words)
    assert not library.load("slow", 0).has_light
    with pytest.raises(BadInput, match="no light night"):
        library.load("slow", 0, light=True)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("light: {rate: 30, slots: 3}", "dark: 1"), "yaml:\\d+:7: choices.size.1: has no `light`"),
        (
            ("{rate: 30, slots: 3}", "{rate: 30, slot: 3}"),
            "no 'slot' of its own; did you mean slots",
        ),
        (("{rate: 30, slots: 3}", "half"), "expected keys and values"),
        (("{rate: 30,", "{rate: -1,"), "load.rate"),
    ],
)
def test_a_wrong_light_night_is_refused_with_any_other(
    tmp_path: Path, words: Words, wrong: tuple[str, str], said: str
) -> None:
    """Whether or not somebody asks for it, with its place."""
    assert re.search(said, refusal(tmp_path, words, LIGHT.replace(*wrong)))


def test_every_option_has_what_is_asked_of_it(tmp_path: Path, words: Words) -> None:
    """A value that only some options have is refused, whatever the seed."""
    text = SCENARIO.replace("rate: 50", "rate: {choice: night.rate}")
    text += "choices: {night: [{rate: 40}, {speed: 60}]}\n"
    assert "no choice 'night.rate'" in refusal(tmp_path, words, text)


def test_each_option_is_validated_whatever_the_seed(tmp_path: Path, words: Words) -> None:
    """No seed meets an error that another did not."""
    text = SCENARIO.replace("rate: 50", "rate: {choice: rate}") + "choices: {rate: [50, -1]}\n"
    assert "load.rate" in refusal(tmp_path, words, text)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("title: Something", "titel: Something", "scenario.yaml:2:1: titel: unknown key; did you"),
        ("rate: 50,", "rate: fast,", "scenario.yaml:6:14: load.rate: "),
        (
            "fault: drop_index",
            "fault: drop_indx",
            "faults.0.fault: there is no fault 'drop_indx'; did you mean drop_index?",
        ),
        (
            "table: photos,",
            "tabel: photos,",
            "faults.0.tabel: unknown key; did you mean table?",
        ),
        ("table: photos, ", "", "faults.0.table: is missing"),
        (
            'signal: "client:errors:ratio"',
            'signal: "client:eror:ratio"',
            "there is no signal 'client:eror:ratio'; did you mean client:errors:ratio",
        ),
        ("cause: missing-index", "cause: mising-index", "did you mean missing-index"),
        ("component: postgres-primary", "component: primary", "there is no component 'primary'"),
        ("alert: PhotoQueueBackingUp", "alert: PhotoQueue", "did you mean PhotoQueueBackingUp"),
        ("rate: 50", "rate: {choice: speed}", "load.rate.choice: no choice 'speed'"),
        ('op: ">"', 'op: "=>"', "symptoms.0.op"),
        ("price: 5,", "price: 500,", "hints.0.price"),
        ("faults:\n  - {", "faults:\n  - [", "not YAML"),
    ],
)
def test_an_error_says_where_and_what_is_allowed(
    tmp_path: Path, words: Words, before: str, after: str, said: str
) -> None:
    """File, line, column, the way to the value, and what was probably meant."""
    assert before in SCENARIO
    message = refusal(tmp_path, words, SCENARIO.replace(before, after, 1))
    assert said in message
    assert "scenario.yaml:" in message


def test_all_problems_are_told_at_once(tmp_path: Path, words: Words) -> None:
    """Nobody wants to mend a file error by error."""
    text = SCENARIO.replace("difficulty: 1", "difficulty: 9").replace("minutes: 10", "minutes: 1")
    message = refusal(tmp_path, words, text)
    assert "difficulty" in message
    assert "minutes" in message


def test_a_folder_without_its_remedy_is_refused(tmp_path: Path, words: Words) -> None:
    """A scenario ships its solution."""
    folder = write_scenario(tmp_path)
    (folder / "remedy.sh").unlink()
    with pytest.raises(BadInput, match=r"remedy\.sh"):
        Library(tmp_path / "scenarios", words).load("slow", 0)


def test_a_decoy_that_does_not_say_why_is_refused(tmp_path: Path, words: Words) -> None:
    """A temptation nobody feels is no decoy."""
    folder = write_scenario(tmp_path)
    (folder / "decoys" / "restart.sh").write_text("#!/bin/sh\ntrue\n")
    with pytest.raises(BadInput, match="why it tempts"):
        Library(tmp_path / "scenarios", words).load("slow", 0)


def test_an_unknown_name_suggests_the_nearest(tmp_path: Path, words: Words) -> None:
    """A typo in the name of a scenario."""
    write_scenario(tmp_path, "two-of-three")
    with pytest.raises(BadInput) as raised:
        Library(tmp_path / "scenarios", words).path("two-of-tree")
    assert raised.value.remedy == "did you mean two-of-three?"
