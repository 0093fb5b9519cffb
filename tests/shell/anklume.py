"""A Typer program with the commands of anklume's generations that are recorded, and some that are not.

Each command prints the names that its run is to have, worked out from what Typer has read. With the argument __batch it
reads command lines, each a JSON list, and prints the names for each, or null.
"""

import contextlib
import io
import json
import sys
from typing import Annotated, Optional

import typer

app = typer.Typer(name="anklume", no_args_is_help=True)
domain_app = typer.Typer()
dev_app = typer.Typer()
apply_app = typer.Typer()
telemetry_app = typer.Typer()
app.add_typer(domain_app, name="domain")
app.add_typer(dev_app, name="dev")
app.add_typer(apply_app, name="apply")
app.add_typer(telemetry_app, name="telemetry")

result = None


def names(target, domain=None):
    global result
    result = [target, domain or None]
    print(json.dumps(result))


def domains(incomplete: str):
    return [name for name in ["laboratory", "production"] if name.startswith(incomplete)]


Domain = Annotated[Optional[str], typer.Argument(autocompletion=domains)]


@app.callback()
def main(version: Annotated[bool, typer.Option("--version", "-V")] = False):
    pass


@app.command()
def sync(dry_run: Annotated[bool, typer.Option("--dry-run", "-n")] = False, clean: Annotated[bool, typer.Option("--clean")] = False):
    if not dry_run and not clean:
        names("sync")


@domain_app.command("list")
def list_domains():
    pass


@domain_app.command("apply")
def domain_apply(
    domain: Domain = None,
    all_: Annotated[bool, typer.Option("--all")] = False,
    tags: Annotated[Optional[str], typer.Option("--tags", "-t")] = None,
    limit: Annotated[Optional[str], typer.Option("--limit", "-l")] = None,
    check: Annotated[bool, typer.Option("--check")] = False,
    diff: Annotated[bool, typer.Option("--diff")] = False,
):
    chosen = limit or (None if all_ else domain)
    if check or (tags and tags not in ("infra", "provision")):
        return
    names(f"apply-{tags}" if tags else "apply-limit" if chosen else "apply", chosen)


@domain_app.command("check")
def domain_check(domain: Domain = None):
    pass


@dev_app.command("test")
def dev_test(
    generator: Annotated[bool, typer.Option("--generator")] = False,
    roles: Annotated[bool, typer.Option("--roles")] = False,
    role: Annotated[Optional[str], typer.Option("--role", "-r")] = None,
    sandboxed: Annotated[bool, typer.Option("--sandboxed")] = False,
    fast: Annotated[bool, typer.Option("--fast", "-f")] = False,
    changed: Annotated[bool, typer.Option("--changed", "-c")] = False,
    full: Annotated[bool, typer.Option("--full")] = False,
):
    if not (roles or role is not None or sandboxed):
        names("test-generator")


@dev_app.command("lint")
def dev_lint():
    pass


@apply_app.command("all")
def apply_all(
    dry_run: Annotated[bool, typer.Option("--dry-run")] = False,
    no_provision: Annotated[bool, typer.Option("--no-provision")] = False,
):
    if not dry_run:
        names("apply-infra" if no_provision else "apply")


@apply_app.command("domain")
def apply_domain(
    name: Annotated[str, typer.Argument(autocompletion=domains)],
    dry_run: Annotated[bool, typer.Option("--dry-run")] = False,
    no_provision: Annotated[bool, typer.Option("--no-provision")] = False,
):
    if not dry_run and name:
        names("apply-infra" if no_provision else "apply-limit", name)


for name in ["on", "off", "status", "clear", "report"]:
    telemetry_app.command(name)(lambda: None)


def batch():
    global result
    for line in sys.stdin:
        result = None
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            try:
                app(json.loads(line), standalone_mode=False)
            # What click makes of a command line that it refuses, or of --help.
            except (Exception, SystemExit):
                result = None
        print(json.dumps(result))


if __name__ == "__main__":
    batch() if sys.argv[1:] == ["__batch"] else app(prog_name="anklume")
