# Two commands do everything on a fresh Debian 12: `make demo` and `make test`.
# Both only wrap CMake presets and CTest; `cmake --preset release` works without this file.

PRESET ?= release
OUT    ?= runs/demo
# tests of the emulated GPU run side by side, all others alone
JOBS   ?= $(shell nproc)

.PHONY: demo test test-gpu build setup format clean

demo: build
	build/$(PRESET)/godwit demo --out $(OUT)

test: build
	ctest --preset $(PRESET) --parallel $(JOBS)

# The GPU's quick tests once more, the emulated device and its kernels under AddressSanitizer and UBSan.
test-gpu: setup
	cmake --preset asan
	cmake --build --preset asan --target gpu_tests
	ctest --preset asan --label-regex gpu --label-exclude full --parallel $(JOBS)

build: setup
	cmake --preset $(PRESET)
	cmake --build --preset $(PRESET)

setup:
	@scripts/setup.sh

format:
	git ls-files '*.c' '*.h' '*.cc' '*.cu' | xargs clang-format -i

clean:
	rm -rf build
