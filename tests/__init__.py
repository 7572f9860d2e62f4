"""Tests of every part; the tree mirrors the project's."""
