from ganzoo.testing import conformance

# The food of the tiny form comes in no skin tones.
test_conformance = conformance("emoji", unfelt={"emoji": ["skin_tones"]})
