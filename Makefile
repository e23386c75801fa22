# make serve   set up, ingest, serve on http://127.0.0.1:8000
# make test    set up, run the suite
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DOCS ?= examples/handbook
DATA_DIR ?= .plumbline
POLICY_URL ?=
MODEL ?=
PORT ?= 8000
PIP := $(BIN)/pip --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help serve ingest test lint format bench judge-heads clean

help: ## Show what there is
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

# torch first and by itself: whatever is installed after it finds it there and does not bring the
# CUDA build. The stamps are files in .venv, so a second run costs nothing.
$(VENV)/.torch: constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Plumbline needs Python 3.11 or newer; this is $$($(PYTHON) --version). Set PYTHON=…"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing torch (some 200 MB as CPU build) …"
	@$(PIP) install --quiet "$$(grep '^torch==' constraints.txt)"
	@touch $@

$(VENV)/.installed: $(VENV)/.torch pyproject.toml
	@echo "Installing Plumbline …"
	@$(PIP) install --quiet --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.tested: $(VENV)/.installed
	@echo "Installing what the tests need …"
	@$(PIP) install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

serve: $(VENV)/.installed ## Ingest DOCS and serve them; POLICY_URL=… MODEL=… for your own model
	@test -e "$(DOCS)" || { echo "There is no file or folder $(DOCS). Set DOCS to your documents."; exit 1; }
	@$(BIN)/plumbline ingest "$(DOCS)" --index "$(DATA_DIR)/index" --prune || [ $$? -eq 3 ]
	@exec $(BIN)/plumbline serve --data-dir "$(DATA_DIR)" --port $(PORT) \
	  $(if $(POLICY_URL),--policy-url "$(POLICY_URL)") $(if $(MODEL),--model "$(MODEL)")

ingest: $(VENV)/.installed ## Bring the index in step with DOCS
	@$(BIN)/plumbline ingest "$(DOCS)" --index "$(DATA_DIR)/index" --prune

test: $(VENV)/.tested ## Run the suite
	@$(BIN)/python -m pytest

lint: $(VENV)/.tested ## Check style, types and the direction of imports
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(VENV)/.tested ## Format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(VENV)/.tested ## Run the benchmarks; DATA=folder with SQuAD-format files for retrieval
	@$(BIN)/python -m benchmarks.latency
	@$(BIN)/python -m benchmarks.judge_answers
	@$(BIN)/python -m benchmarks.handbook

judge-heads: $(VENV)/.installed ## Fit the embedded judge and reader again; DATA=folder with the public sets
	@test -n "$(DATA)" || { echo "Set DATA to the folder with the public data sets."; exit 1; }
	@$(BIN)/python -m training.judge_heads --gold $(DATA)/rbr_gold_train.jsonl \
	  --moderation $(DATA)/moderation.jsonl.gz --paragraphs $(DATA)/xquad.en.json
	@$(BIN)/python -m training.ngram_heads --paragraphs $(DATA)/xquad.zh.json
	@$(BIN)/python -m training.reward_model --english $(DATA)/xquad.en.json --chinese $(DATA)/xquad.zh.json
	@$(BIN)/python -m training.reader --out retrieval/support.json $(DATA)/xquad.en.json $(DATA)/xquad.zh.json

clean: ## Remove the environment and the data folder
	rm -rf $(VENV) $(DATA_DIR)
