/*
 * sketch.h - values of the type parity.sketch
 */
#ifndef PARITY_PG_SKETCH_H
#define PARITY_PG_SKETCH_H

#include "parity_pg.h"

#include "fmgr.h"

/*
 * What an argument `cells` asks for, as parity_cells_round gives it: least (0
 * or 1) to PARITY_CELLS_MAX, otherwise an error.  0 stays 0.
 */
extern uint32 parity_pg_cells(int32 cells, uint32 least);

/* Opens a value, which may be detoasted into CurrentMemoryContext for it.  Raises when it is none. */
extern void parity_pg_sketch_open(Datum value, parity_sketch_wire *out);
/* A sketch as a value. */
extern struct varlena *parity_pg_sketch_make(const parity_sketch *s);

#endif
