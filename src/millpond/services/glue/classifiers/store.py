"""Classifiers in records: by account, region and name."""

from millpond.services.glue.classifiers.model import Classifier
from millpond.services.glue.named import Named

_classifiers = Named("classifier", Classifier, lambda classifier: classifier.name)

load_classifier = _classifiers.load
save_classifier = _classifiers.save
delete_classifier = _classifiers.delete
scan_classifiers = _classifiers.scan
