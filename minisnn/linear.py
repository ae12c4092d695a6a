"""Fully connected layer: cur = spk @ w + b."""


def forward(spk, w, b):
    """Currents of a fully connected layer.

    Parameters
    ----------
    spk : ndarray of shape (T, B, N)
        Spikes 0/1, or any input of one dtype with `w`.
    w : ndarray of shape (N, M)
    b : ndarray of shape (M,)

    Returns
    -------
    cur : ndarray of shape (T, B, M)

    Examples
    --------
    >>> forward(np.ones((1, 1, 2)), np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([0.5, 0.0]))
    array([[[4.5, 6. ]]])
    """
    return spk @ w + b


def backward(dcur, spk, w, need_dspk=True):
    """Gradients of :func:`forward`.

    Parameters
    ----------
    dcur : ndarray of shape (T, B, M)
        Gradient of the loss with respect to the currents.
    spk, w
        As given to :func:`forward`.
    need_dspk : bool, default True
        False for the first layer, whose inputs need no gradient.

    Returns
    -------
    dspk : ndarray of shape (T, B, N), or None
    dw : ndarray of shape (N, M)
    db : ndarray of shape (M,)

    Examples
    --------
    >>> dspk, dw, db = backward(np.ones((1, 1, 1)), np.full((1, 1, 2), 3.0), np.array([[1.0], [2.0]]))
    >>> dspk.tolist(), dw.tolist(), db.tolist()
    ([[[1.0, 2.0]]], [[3.0], [3.0]], [1.0])
    """
    rows = dcur.reshape(-1, dcur.shape[-1])
    # cur = spk @ w + b
    dspk = dcur @ w.T if need_dspk else None
    dw = spk.reshape(-1, spk.shape[-1]).T @ rows
    db = rows.sum(axis=0)
    return dspk, dw, db
