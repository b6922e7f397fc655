from ganzoo.testing import conformance

# Random weights are read from no folder.
test_conformance = conformance("clip", unfelt={"text": ["folder"], "image": ["folder"]})
