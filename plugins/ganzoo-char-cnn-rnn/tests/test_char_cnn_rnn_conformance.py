from ganzoo.testing import conformance

# The kit's captions are in lower case; what a training begins with is no property of what is built.
test_conformance = conformance("char_cnn_rnn", unfelt={"text": ["lower_case"], "image": ["pretrained_trunk"]})
