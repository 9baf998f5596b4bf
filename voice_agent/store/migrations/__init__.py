"""The schema's revisions, in the package so that an installed wheel can migrate."""
