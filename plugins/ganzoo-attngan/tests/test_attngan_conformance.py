from ganzoo.testing import conformance

# The kit's pictures have the side that the tiny encoder sees; what a training begins with it cannot see.
test_conformance = conformance("attngan", unfelt={"cnn": ["align_corners", "pretrained_trunk"]})
