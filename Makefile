# make demo   set up, then clean the bundled sample clip        -> demo/
# make app    set up, then open the desktop with the sample project
# make test   set up, then lint, type-check and run the suite
# make explore   set up, then try the property tests on many new cases (ten minutes)
# make translations   set up, then bring resources/translations in step with the desktop's texts
# PYTHON=/path/to/python3.11 chooses the interpreter; on Windows see the README.

BIN := .venv/bin
OFFSCREEN := env -u DISPLAY -u WAYLAND_DISPLAY QT_QPA_PLATFORM=offscreen
SOURCES := pyproject.toml constraints.txt .ci/setup

.PHONY: demo app test lint types suite test-slow explore translations clean

demo: .venv/.demo
	@$(BIN)/grayplate demo

app: .venv/.app
	@$(BIN)/grayplate resources/sample/walkby.otio

test: lint types suite

lint: .venv/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: .venv/.test
	$(BIN)/mypy

suite: .venv/.test
	$(OFFSCREEN) $(BIN)/pytest -n 2 -m "not slow"

test-slow: .venv/.test
	$(OFFSCREEN) $(BIN)/pytest -n 2 -m slow

.venv/.demo: $(SOURCES)
	@.ci/setup "" base
	@touch $@

.venv/.app: $(SOURCES)
	@.ci/setup "" base desktop
	@touch $@

.venv/.test: $(SOURCES)
	@.ci/setup "vace,dev" base desktop
	@touch $@ .venv/.demo .venv/.app

explore: .venv/.test
	HYPOTHESIS_PROFILE=explore $(OFFSCREEN) $(BIN)/pytest -n 2 -m "not slow" --timeout 0 $$(grep -rl "@given" tests)

translations: .venv/.test
	$(BIN)/python -m resources.translations.update

clean:
	rm -rf .venv demo
