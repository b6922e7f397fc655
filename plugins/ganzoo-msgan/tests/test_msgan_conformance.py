from ganzoo.testing import conformance

test_conformance = conformance("msgan")
