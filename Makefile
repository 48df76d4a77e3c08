# make demo | make test | make lint need nothing but python3 (3.10 to 3.13) with venv and pip.
PYTHON ?= python3
PY := .venv/bin/python
STAMP := .venv/.ready

# Nothing is cached outside of the checkout.
export PIP_NO_CACHE_DIR := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export KERAS_HOME := $(CURDIR)/.venv/keras

.PHONY: help setup demo test fuzz fuzz-ops faults soak kernels lint format bench clean
help:
	@echo "make setup   .venv with the package, TensorFlow and the tools (1.9 GB, once)"
	@echo "make demo    train a gesture model, convert, deploy to a virtual board, compare"
	@echo "make test    every test"
	@echo "make fuzz N=1000000  that many hostile .whit files into load and run, then FILES=5000 hostile .tflite files"
	@echo "make fuzz-ops N=5000   that many random cases of each operator; others every time"
	@echo "make faults N=500    cut a deployment at that many bytes; delay, damage and lose others"
	@echo "make soak N=1000000  that many predictions of each kind on a virtual board: no wrong byte, no growth"
	@echo "make kernels assemble device/asm into device/whit and device/mpy (needs binutils for ARM and RISC-V)"
	@echo "make lint    ruff and mypy"
	@echo "make bench   memory and streaming of MODELS, and what kernels cost, as tables"
	@echo "make format  let ruff put the code in order"
	@echo "make clean   remove what the build and the tests made; .venv stays"

setup: $(STAMP)

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 10) <= v <= (3, 13) else \
	"make: $(PYTHON) is Python %d.%d; whit needs 3.10 to 3.13, for example: make setup PYTHON=python3.12" % v)'
	@echo "setup: packages for whit, TensorFlow among them; a few minutes the first time"
	$(PYTHON) -m venv .venv
	$(PY) -m pip install -e '.[keras,examples,dev]'
	@touch $@

demo: setup
	@$(PY) examples/gesture_control/demo.py

test: setup
	$(PY) -m pytest -n 2 --dist worksteal

# SEED=7 makes the same files again
FILES ?= 5000
fuzz: N = 20000
fuzz: setup
	$(PY) -m tests.hostile.fuzz blobs -n $(N) $(if $(SEED),--seed $(SEED))
	$(PY) -m tests.hostile.fuzz models -n $(FILES) $(if $(SEED),--seed $(SEED))

N ?= 2000
fuzz-ops: setup
	WHIT_CASES=$(N) $(PY) -m pytest tests/agreement/test_operators.py tests/agreement/test_recurrent.py \
	tests/agreement/test_cleanup.py tests/host/test_plan.py

faults: N = 500
faults: setup
	WHIT_CUTS=$(N) $(PY) -m pytest tests/faults

soak: N = 1000000
soak: setup
	WHIT_SOAK=$(N) $(PY) -m pytest tests/device/test_soak.py

kernels:
	$(PYTHON) device/asm/assemble.py

lint: setup
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

format: setup
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

MODELS ?= $(wildcard ../shared/models/*.tflite)
bench: setup
	$(PY) bench/memory.py $(MODELS)
	$(PY) bench/stream.py $(MODELS)
	$(PY) bench/kernels.py

clean:
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis examples/*/build
	find . -name .venv -prune -o -type d -name __pycache__ -exec rm -rf {} +
