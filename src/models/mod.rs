//! Providers of models, their prices, token estimates, and the worker that plays tools.
