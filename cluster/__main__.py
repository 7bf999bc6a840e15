"""`python -m cluster init`: find the nodes and write a first cluster.yaml."""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from cluster.discovery.candidates import Candidate, announced, beside_us, in_ssh_config, named
from cluster.discovery.draft import draft
from cluster.discovery.survey import survey
from cluster.errors import ClusterError, InventoryError
from cluster.fields import in_plain_words
from cluster.inventory import Ssh
from cluster.printable import printable


def main(words: list[str] | None = None) -> int:
    """Run the command and return its exit status: 0 written, 1 nothing found, 2 not possible as asked."""
    asked = _parser().parse_args(words)
    output: Path = asked.output
    try:
        ssh = _ssh(asked)
        if output.exists() and not asked.force:
            print(
                f"{output} is there already: name another with --output, or replace it with --force.", file=sys.stderr
            )
            return 2
        found = survey(_candidates(asked.names, ssh), ssh)
        for one in found:
            print(printable(f"{one.name}: {one.in_words}"))
        if not any(one.trouble is None or one.candidate.found_by == "named" for one in found):
            print(
                "No node was found in ssh_config, by mDNS or on the fabric: name them, "
                "as in `python -m cluster init nvidia@spark-1 nvidia@spark-2`.",
                file=sys.stderr,
            )
            return 1
        if all(one.trouble for one in found):
            print("No node could be looked at, so nothing was written: mend that, and try again.", file=sys.stderr)
            return 1
        _write(output, draft(found, ssh))
    except OSError as error:
        print(f"{output} cannot be written: {error.strerror}.", file=sys.stderr)
        return 2
    except ClusterError as error:
        print(printable(str(error)), file=sys.stderr)
        return 2
    print(f"Written: {output}. Look it over, then: pytest runbook --inventory={output} --plan")
    return 0


def _ssh(asked: argparse.Namespace) -> Ssh:
    given = {
        "user": asked.user,
        "key": asked.key,
        "config": asked.ssh_config,
        "known_hosts": asked.known_hosts,
        "accept_new": asked.accept_new,
    }
    try:
        return Ssh.model_validate(given)
    except ValidationError as error:
        wrong = error.errors(include_url=False)[0]
        name = str(wrong["loc"][0])
        option = "--ssh-config" if name == "config" else f"--{name.replace('_', '-')}"
        raise InventoryError(f"{option} {given[name]}: {in_plain_words(wrong['type'], wrong['msg'])}.") from None


def _candidates(names: list[str], ssh: Ssh) -> Iterator[Candidate]:
    if names:
        yield from named(names)
        return
    print("Looking in ssh_config, on the fabric and, for some seconds, at mDNS ...", flush=True)
    yield from in_ssh_config(ssh.config.expanduser())
    yield from announced()
    yield from beside_us()


def _write(path: Path, text: str) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".cluster")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


_EXAMPLES = """\
examples:
  python -m cluster init                                  look for nodes, and write cluster.yaml
  python -m cluster init nvidia@spark-1 nvidia@spark-2    take these
  python -m cluster init --help                           what else it can be told
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m cluster",
        description="Describe a cluster in a file.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="init")
    init = commands.add_parser("init", help="find the nodes and write cluster.yaml")
    init.add_argument(
        "names", nargs="*", metavar="[USER@]HOST[:PORT]", help="the nodes; without any they are looked for"
    )
    init.add_argument("--user", help="who to log in as")
    init.add_argument("--key", type=Path, help="the private key to log in with")
    init.add_argument("--ssh-config", type=Path, default=Ssh().config, help="(default: %(default)s)")
    init.add_argument("--known-hosts", type=Path, default=Ssh().known_hosts, help="(default: %(default)s)")
    init.add_argument("--accept-new", action="store_true", help="trust unknown host keys, now, and write them down")
    init.add_argument(
        "--output", type=Path, default=Path("cluster.yaml"), metavar="FILE", help="(default: %(default)s)"
    )
    init.add_argument("--force", action="store_true", help="replace the file")
    return parser


if __name__ == "__main__":
    sys.exit(main())
