"""Training of networks: one loop over epochs, and what hangs on it.

* `loop`: `fit`, the epochs of a training, the best of them, early stopping, and going on after a kill.
* `classifier` and `tagger`: the loop for classes (one a clip) and for tags (any number a clip), with their settings.
* `stepping`: `Stepper`, a network, its optimizer and its loss as compiled steps; how they are compiled, and how exact
  they are, `mgc_keras.execution` decides.
* `strategies` and `replicas`: trainings on several devices and machines (`tf.distribute`), and their steps.
* `examples`: clips, and random excerpts of clips, with their targets; the figures by which scores are judged.
* `checkpoint`: the files that a training goes on from.
* `optimizers`, `learning_rates` and `rate_finder`: optimizers whose rate and momentum can follow a policy, the
  policies, and the search for a rate.
"""
