"""The learner of the object-first model: views of annotated images, phrases made about each view, losses."""
