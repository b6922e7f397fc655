from ganzoo.testing import conformance

test_conformance = conformance("gan_int_cls")
