"""Which version of the bot this is."""

VERSION = "0.1.0"  # as in pyproject.toml and CHANGELOG.md; Semantic Versioning
