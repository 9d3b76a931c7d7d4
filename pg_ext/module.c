/*
 * module.c - loading the extension's library: magic block and settings
 */
#include "parity_pg.h"

PARITY_MODULE_MAGIC;

bool parity_progress = true;

PGDLLEXPORT void _PG_init(void);

void _PG_init(void)
{
    DefineCustomBoolVariable("parity.progress", "Tells with a NOTICE a table how far long work is.", NULL,
                             &parity_progress, true, PGC_USERSET, 0, NULL, NULL, NULL);
    MarkGUCPrefixReserved("parity");
}
