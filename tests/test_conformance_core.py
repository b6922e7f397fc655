"""Every component of core keeps what ganzoo promises."""

from ganzoo.testing import conformance

test_conformance = conformance("core")
