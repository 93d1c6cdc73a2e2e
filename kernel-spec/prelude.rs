use candlebook::prelude::*;
candlebook::cell::candlebook_cell_begin();
Ok::<(), Error>(())?;
