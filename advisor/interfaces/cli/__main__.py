"""Lets ``python -m advisor.interfaces.cli`` stand for ``advisor``."""

from advisor.interfaces.cli.main import main

if __name__ == "__main__":
    main()
