"""cfn-lint and checkov, which others wrote, on the template of a stack.

`python -m tests.support.infra.template_checkers TEMPLATE` prints what they find, for `make synth`.
They are fetched once into `.cache`, apart from Rollcall's own libraries, of which they need other versions.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.accepted_findings import CFN_LINT, CHECKOV, Accepted
from tests.support.npm import CACHE, ROOT, Unobtainable, python_packages

PINS = "requirements-checkers.txt"


@dataclass(frozen=True)
class Finding:
    """A rule that a resource breaks."""

    rule: str
    type: str
    """The type of the resource, or its place in the template."""
    text: str


def checkers() -> Path:
    """Return the folder with the checkers. Fetch it if necessary. Raise `Unobtainable`."""
    digest = hashlib.sha256((ROOT / PINS).read_bytes()).hexdigest()[:12]
    return python_packages(PINS, CACHE / f"template-checkers-{digest}")


def cfn_lint(template: Path) -> list[Finding]:
    """Return the errors and warnings of cfn-lint."""
    types = {id_: one["Type"] for id_, one in json.loads(template.read_text())["Resources"].items()}
    script = "import sys; from cfnlint.runner import main; sys.exit(main())"
    said = _run("-c", script, "--format", "json", "--", str(template))
    return [
        Finding(
            one["Rule"]["Id"],
            types.get(str(([*one["Location"]["Path"], "", ""])[1]), str(one["Location"]["Path"])),
            one["Message"],
        )
        for one in json.loads(said or "[]")
    ]


def checkov(template: Path) -> list[Finding]:
    """Return the failed checks of checkov. Raise `AssertionError` if it read nothing."""
    options = ("--framework", "cloudformation", "--compact", "--quiet", "--skip-download")
    said = json.loads(_run("-m", "checkov.main", "-f", str(template), *options, "--output", "json"))
    summary = said["summary"]
    assert summary["passed"], summary
    assert not summary["parsing_errors"], summary
    return [
        Finding(one["check_id"], one["resource"].rpartition(".")[0], one["check_name"])
        for one in said["results"]["failed_checks"]
    ]


def _run(*arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(checkers()), "LOG_LEVEL": "ERROR"}
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, env=environment, check=False
    )
    assert done.stdout.strip() or not done.returncode, done.stderr
    return done.stdout


def unaccepted(found: Sequence[Finding], accepted: Sequence[Accepted]) -> list[Finding]:
    """Return the findings that nobody accepted."""
    known = {(one.rule, one.where) for one in accepted}
    return [one for one in found if (one.rule, one.type) not in known]


def judge(template: Path) -> Iterator[Finding]:
    """Yield what neither of the checkers should find."""
    yield from unaccepted(cfn_lint(template), CFN_LINT)
    yield from unaccepted(checkov(template), CHECKOV)


def main(template: Path) -> int:
    """Print the findings that nobody accepted. Return an exit status."""
    try:
        findings = [*judge(template)]
    except Unobtainable as error:
        sys.stderr.write(f"cfn-lint and checkov could not be fetched: {error}\n")
        return 2
    for one in findings:
        sys.stderr.write(f"{one.rule} {one.type}: {one.text}\n")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
