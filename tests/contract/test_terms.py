"""`make check` finds the terms that docs/glossary.md says to avoid."""

import pytest

from tools import terms

TABLE = r"""
## Terms to avoid

| avoid | use | why |
| --- | --- | --- |
| `\banew\b` | again, rebuild | archaic |
| `\bno more (\|use)\b` | no longer | |
| `(?-i:class (Door\|Edge))` | AcceptGate | no metaphors |
"""


def found(text: str) -> list[str]:
    return [str(each) for each in terms.find("file.py", text, terms.parse_terms(TABLE))]


def test_a_finding_names_the_place_the_term_and_what_to_use() -> None:
    assert found("one\nbuilt Anew\n") == [
        'file.py:2: avoid "Anew", use again, rebuild (archaic)',
    ]


def test_an_expression_may_hold_alternatives_and_respect_case() -> None:
    assert found("class Edge: ...") == [
        'file.py:1: avoid "class Edge", use AcceptGate (no metaphors)'
    ]
    assert not found("Class edge")


@pytest.mark.parametrize("text", ["no\nmore use", "# no\n    # more use", "-- no\n-- more use"])
def test_a_term_is_found_across_lines(text: str) -> None:
    (finding,) = found(text)
    assert finding.startswith("file.py:1: ")
    assert finding.endswith("use no longer")


def test_the_words_of_a_test_name_count() -> None:
    assert len(found("def test_the_index_is_built_anew_after_that() -> None: ...")) == 1
    assert not found("rebuilt_anew = True")


def test_a_glossary_without_terms_is_an_error() -> None:
    with pytest.raises(ValueError, match="Terms to avoid"):
        terms.parse_terms("# Glossary\n")


def test_the_glossary_is_read_and_code_and_documentation_are_checked() -> None:
    glossary = (terms.ROOT / terms.GLOSSARY).read_text(encoding="utf-8")
    rows = glossary.partition("## Terms to avoid")[2].count("\n| `")
    assert len(terms.parse_terms(glossary)) == rows
    files = set(terms.checked_files())
    assert {"README.md", "Makefile", "service/unseen_service/app.py", "docs/feed.md"} <= files
    assert "service/unseen_service/store/queries/lookups.sql" in files
    texts = {"clients/browser/texts/en.json", "docs/grafana.json"}
    assert not [each for each in files if "/migrations/" in each or each.endswith(".lock")]
    assert {each for each in files if each.endswith(".json")} == texts
