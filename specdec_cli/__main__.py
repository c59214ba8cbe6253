"""``python -m specdec_cli``."""

from specdec_cli.cli.app import main

if __name__ == "__main__":
    main()
