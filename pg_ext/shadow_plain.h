/* shadow_plain.h - what writing rows without a statement needs to know, and its executor */
#ifndef PARITY_PG_SHADOW_PLAIN_H
#define PARITY_PG_SHADOW_PLAIN_H

#include "postgres.h"

#include "nodes/execnodes.h"

#include "shadow.h"

/* A column of the key, in the order of the index. */
typedef struct ParityPlainKey {
    AttrNumber from_attribute, to_attribute;
    Oid type; /* as the index's operators have it */
    Oid collation;
    RegProcedure equal;
} ParityPlainKey;

struct ParityPlain {
    Oid to;
    int natts;
    bool insert, update, delete; /* what can be done so */
    List *targets;   /* for INSERT, an expression for each column of to, ready to be run */
    List *condition; /* of rows that are put there */
    /*
     * Of a mapping that only moves values, into a table with nothing but NOT NULL
     * and plain btree indexes: for each column of to the attribute of from, 0 for
     * NULL.  Otherwise NULL.
     */
    AttrNumber *moves;
    List *sets;          /* for UPDATE, an expression for each column that is not of the key ... */
    AttrNumber *columns; /* ... and which column of to it is */
    Bitmapset *updated;  /* the same columns, as rights have them */
    Oid index;           /* that has the key and nothing else; a row is found by it */
    int keys;
    ParityPlainKey *key;
};

/* What it takes to write into a table as the executor does, under a snapshot of its own. */
typedef struct ParityWriter {
    EState *estate;
    ResultRelInfo *rel;
    CommandId command;
    MemoryContext caller;
} ParityWriter;

/* Opens to, which is locked, with its indexes; CurrentMemoryContext is the writer's until it ends. */
extern void parity_shadow_begin_write(ParityWriter *w, Relation to, const Bitmapset *updated);
extern void parity_shadow_end_write(ParityWriter *w);

#endif
