//! Who decides and who does: the pure scheduler, and the driver that carries its actions out on tokio.
