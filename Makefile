# Every everyday command of this project; `make help` lists them.

# A .venv whose Python cannot read its packages any more (another release of Debian) is rebuilt.
ifneq ($(wildcard .venv/.runtime),)
$(shell .venv/bin/python -c 'import pip' 2>/dev/null || rm -f .venv/.runtime)
endif

.DEFAULT_GOAL := help
.PHONY: help run test coverage check html bench load chaos fuzz sbom format clean
.DELETE_ON_ERROR:

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

run: .venv/.runtime ## Start the application with its demo world; Ctrl-C ends it
	@.venv/bin/python -m flask --app app start

test: .venv/.dev ## Run the tests, on every database and browser that is here; FILE=tests/test_x.py for one file, on SQLite
ifdef FILE
	@$(if $(filter tests/browser%,$(FILE)),tests/install_browser.sh; tests/oidc/install.sh;) .venv/bin/python -m pytest -q $(FILE)
else
	@tests/install_browser.sh
	@tests/oidc/install.sh
	@.venv/bin/python -m tests.run
endif

coverage: .venv/.dev ## The share of lines that the tests run, by file, on SQLite (twice as long as those tests)
	@rm -f .coverage .coverage.*
	@.venv/bin/python -m coverage run -m pytest -q -n 2 -m "not browser and not long"; \
		.venv/bin/python -m coverage combine -q && .venv/bin/python -m coverage report

check: .venv/.dev ## Lint, format, types, migrations, tests: what must hold before a change goes in
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/bandit -q -r . -c pyproject.toml --severity-level medium
	.venv/bin/flask --app app migrate --check
	@$(MAKE) --no-print-directory test

html: .venv/.dev ## Every page of all roles, with long words: the W3C's validator, and its layout in a browser (five minutes; installs Java)
	@tests/validator/install.sh
	@tests/install_browser.sh
	@.venv/bin/python -m pytest -q -s tests/validator/validate.py tests/browser/test_pages.py

bench: .venv/.bench ## Measure lists and exports beside Django's admin and stock Flask-Admin (a quarter of an hour, 7 GB of disk)
	@.venv/bin/python -m bench.run

load: .venv/.dev ## The peak of July: 200 managers at once for ten minutes, on PostgreSQL and Redis that answer here (twenty minutes)
	@.venv/bin/python -m bench.load

chaos: .venv/.dev ## kill -9 of everything, eight writers at once, full disks: the long trials, on both databases (most of an hour)
	@.venv/bin/python tests/chaos.py

fuzz: .venv/.dev ## A hundred thousand requests that no browser sends, to every route as every role (a quarter of an hour)
	@.venv/bin/python -m tests.fuzz

sbom: .venv/.dev ## Write sbom.json: all packages in the product, for whoever looks for known holes (CycloneDX)
	@.venv/bin/python -m cyclonedx_py requirements requirements.txt --output-reproducible -o sbom.json

format: .venv/.dev ## Put the code in shape
	.venv/bin/ruff check --fix
	.venv/bin/ruff format

clean: ## Throw away what was installed and cached; instance/ (the data) stays
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis test-results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# An empty file inside .venv records what is installed; a newer list of requirements installs again. See deploy/install.py.
INSTALL = @command -v python3 >/dev/null || { echo "python3 is missing: apt-get install python3 python3-venv" >&2; exit 1; }; \
	echo "Installing $(filter %.txt,$^) in .venv; the first time that takes a minute or two ..."; \
	python3 deploy/install.py $(@F)

.venv/.runtime: requirements.txt
	$(INSTALL) requirements.txt

.venv/.dev: .venv/.runtime requirements-dev.txt
	$(INSTALL) requirements.txt requirements-dev.txt

.venv/.bench: .venv/.dev bench/requirements.txt
	$(INSTALL) requirements.txt requirements-dev.txt bench/requirements.txt
