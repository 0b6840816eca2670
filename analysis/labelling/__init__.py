"""What people's labels mean together.

`propagation` carries a box to the frames beside it; `interpolation` gives the boxes between the
keys of a track, as the labelling page draws them; `consensus` says how far several people agree on
a picture, and what they say together. numpy alone, but for propagation, which wants OpenCV.
"""
