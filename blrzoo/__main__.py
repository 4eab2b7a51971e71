"""``python -m blrzoo demo``: two models of the diabetes data."""

import argparse
from pathlib import Path

from blrzoo.demo import run_demo


def main() -> None:
    """Parse the command line and run the command."""
    parser = argparse.ArgumentParser(prog="python -m blrzoo", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    demo = commands.add_parser("demo", help="spike-and-slab and ridge on the diabetes data")
    demo.add_argument("--output", type=Path, default=Path("demo-output"), help="folder to write to")
    demo.add_argument("--draws", type=int, default=8000, help="draws of each of the four chains")
    demo.add_argument("--seed", type=int, default=2004, help="random seed")
    arguments = parser.parse_args()
    run_demo(arguments.output, draws=arguments.draws, random_seed=arguments.seed)


if __name__ == "__main__":
    main()
