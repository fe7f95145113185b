# make demo     the main job on embedded defaults: crawl a sample portal, show what was kept, serve it
# make test     the tests (installs what they need); DATABASE=postgresql: all of them on PostgreSQL
# make check    format, ruff, mypy, import contracts, tests, some of them on PostgreSQL too
# make bench    the same site fetched several ways, pages read, files imported, articles found
# make install-replay  pywb and ReplayWeb.page, for `tinhuyen replay --with …` (npm by apt)
# make simulate many small portals crawled by 1, 2 and 4 workers over one PostgreSQL
#               (PORTALS=700 WORKERS="1 2 4" MINUTES=30: for each at most)
# make torture  crawls killed and power cut at random moments, then everything counted (KILLS=1000);
#               imports, rescues, re-extractions and rebuilds killed as well (200 each, or KILLS),
#               and the workers of many machines (100)

PYTHON ?= python3
SERVE  ?= yes
KILLS  ?= 1000
KILLS_OF_EACH := $(if $(filter file,$(origin KILLS)),200,$(KILLS))
DATABASE ?= sqlite
BOTH   := diff filters stats alike attachments schedule update rebuild
PORTALS ?= 700
WORKERS ?= 1 2 4
MINUTES ?= 30
bin := .venv/bin

.PHONY: install install-replay demo test both check lint needs bench bench-needs simulate torture clean

install: .venv/installed

# The stamp is newer than what it was made from, so that nothing is installed twice.
.venv/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; name it with PYTHON=python3.x"; exit 1; }
	@test -x $(bin)/python || $(PYTHON) -m venv .venv || \
		{ echo "python3-venv is needed: apt-get install python3-venv"; exit 1; }
	$(bin)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: install
	@TINHUYEN_DISK_FLOOR_BYTES=67108864 $(bin)/tinhuyen --archive demo-archive demo $(if $(filter no,$(SERVE)),--no-serve)

install-replay: install
	@sh tests/needs.sh npm
	$(bin)/python -m storage.replay.outside.install

needs:
	@sh tests/needs.sh postgresql pgbouncer chromium npm wget

test: install needs
	$(bin)/python -m pytest -n auto --dist loadfile --database $(DATABASE)

# Where the databases can differ: short enough to run beside the whole suite on SQLite.
both: install needs
	$(bin)/python -m pytest -n auto --dist loadfile --database postgresql $(BOTH:%=tests/test_%.py)

lint: install
	$(bin)/ruff format --check .
	$(bin)/ruff check .
	$(bin)/mypy
	$(bin)/lint-imports

check: lint test both

bench-needs: .venv-trafilatura/installed
	@sh tests/needs.sh nginx wget postgresql

# Only measured beside ours: its parts are none of ours.
.venv-trafilatura/installed:
	$(PYTHON) -m venv .venv-trafilatura
	.venv-trafilatura/bin/python -m pip install --quiet --disable-pip-version-check \
		trafilatura==2.3.1 lxml_html_clean warcio
	@touch $@

bench: install bench-needs
	$(bin)/python -m tests.bench.crawl
	$(bin)/python -m tests.bench.folding
	$(bin)/python -m tests.bench.reading
	$(bin)/python -m tests.bench.imports
	$(bin)/python -m tests.bench.search
	$(bin)/python -m tests.bench.search --postgres
	$(bin)/python -m tests.bench.export 8000
	$(bin)/python -m tests.bench.two_processes

simulate: install
	@sh tests/needs.sh postgresql
	$(bin)/python -m tests.simulate --portals $(PORTALS) --workers $(WORKERS) --minutes $(MINUTES)

torture: install needs
	$(bin)/python -m tests.torture --kills $(KILLS) --cuts $(KILLS)
	$(bin)/python -m tests.torture.importing --kills $(KILLS_OF_EACH)
	$(bin)/python -m tests.torture.rescue --kills $(KILLS_OF_EACH)
	$(bin)/python -m tests.torture.rereading --kills $(KILLS_OF_EACH)
	$(bin)/python -m tests.torture.rebuilding --kills $(KILLS_OF_EACH)
	$(bin)/python -m tests.torture_workers --workers 4 --sites 40 --kills 100

clean:
	rm -rf .venv .venv-trafilatura demo-archive build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
