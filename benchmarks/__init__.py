"""Measures this project against what users would pick instead: `./scripts/bench`, docs/performance.md."""
