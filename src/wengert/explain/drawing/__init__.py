"""Drawings of computational graphs: layered, with values, tangents or adjoints; as pictures, text and pages.

observing   a function is staged with its arguments: a graph, its values, and where they were computed
sweeping    tangents and adjoints of a graph, those of the last step of its loops too
picturing   cards for values, links for operands, boxes for loops, branches and calls
folding     boxes for the user's functions and lines, so that no level holds more than one can read
layering, ordering, placing      where cards lie: ranks, fewest crossings, coordinates
painting    shapes, which `vector` writes as SVG and `raster` as PNG or PDF
notation    DOT and Mermaid
page        one HTML file to pan, zoom, unfold, and to step through the sweeps
"""
