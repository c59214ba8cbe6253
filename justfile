# Short names for what a contributor does often; https://just.systems

bin := ".venv/bin"

# List the recipes.
default:
    @just --list

# Make .venv with everything, specdec itself editable.
setup:
    python3 -m venv --upgrade-deps .venv
    {{bin}}/pip install -r requirements-dev.txt
    {{bin}}/pip install --no-deps -e .

# Run the tests: `just test -k greedy`.
test *args:
    {{bin}}/python -m pytest {{args}}

# Run the tests and report the branches they reach; it takes twice as long.
coverage *args:
    {{bin}}/python -m pytest --cov {{args}}

# Run the tests on public models, fetching them first (350 MB, kept in the user's cache).
test-real *args:
    {{bin}}/python -m tools.real_models
    {{bin}}/python -m pytest -m real_models {{args}}

# Style and imports; `just lint --fix` mends what it can.
lint *args:
    {{bin}}/ruff check {{args}} .
    {{bin}}/ruff format {{ if args =~ "--fix" { "" } else { "--check" } }} .
    {{bin}}/lint-imports

# Check the types.
types:
    {{bin}}/mypy

# Write the generated parts of the documentation anew; `just docs --check` only compares.
docs *args:
    {{bin}}/python tools/docs.py {{args}}

# Build dist/*.whl.
wheel:
    {{bin}}/pip wheel --no-deps --wheel-dir dist .

# Check this version, build dist/ (needs uv) and make its tag; uploading is left to whoever may.
release version:
    test -z "$(git status --porcelain)"
    grep -qx 'version = "{{version}}"' pyproject.toml
    grep -q '^## {{version}}\b' CHANGELOG.md
    ! grep '^## {{version}}.*unreleased' CHANGELOG.md
    bash .ci/run
    rm -rf dist
    uv build --out-dir dist
    git tag --annotate --message "specdec {{version}}" v{{version}}

# Take newer versions of the packages (needs uv).
lock *args:
    {{bin}}/python tools/build/lock.py {{args}}

# What a change has to pass.
ci:
    bash .ci/run
