# The two commands of the README are `make demo` and `make test`. Each target is one script, so it runs the same by hand.
.DEFAULT_GOAL := help
.PHONY: help demo test test-peers lint bench fuzz clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## a small, real model behind the gateway, an erasure and an evidence package on this machine, verified
	@scripts/demo.sh

test: ## the gate: lint, every Rust test, the browser verifier under node, the program end to end, the console in a browser
	@scripts/test.sh

test-peers: ## what others say: an independent COSE library, openssl, a real browser, the OpenAI SDK (installs them)
	@scripts/test-peers.sh

lint: ## form, clippy, dependencies, layout, wording, documents
	@scripts/lint.sh

bench: ## measure; docs/benchmarks.md says how to read the figures
	@scripts/bench.sh

fuzz: ## feed each parser of outside bytes with broken input for FUZZ_SECONDS (60)
	@scripts/fuzz.sh

clean: ## remove everything that the other targets made
	rm -rf target demo e2e/node_modules
