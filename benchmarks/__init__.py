"""Measures this project beside what people would use instead: ./scripts/bench, docs/performance.md."""
