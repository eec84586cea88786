"""How the object-first model learns: views of annotated images, phrases made about each view, losses."""
