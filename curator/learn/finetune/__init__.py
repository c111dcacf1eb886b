"""Fine-tuning: all layers of a network learn from the images, in a few epochs.

    pixels      images decoded once, as uint8 squares on disk
    data        which rows are learnt from and which are held out; batches on the device
    augment     random views of a batch, each image its own, as one interpolation
    schedule    one-cycle rates and momenta
    network     body and head; groups of parameters with their own rates
    device      precision and memory on the device
    engine      one batch: forward, backward, step; predictions
    loop        epochs, history, checkpoints, cancel, early stop
    history     what the table of epochs says
    checkpoint  what a killed run goes on from
    rate_finder which learning rate to take
    estimate    how long it will take
    settings    what a user may set
    folds       an out-of-fold prediction for every image, at k times the cost

It knows nothing of projects, databases or pages: it gets pixels and labels, and reports through
callbacks.
"""
