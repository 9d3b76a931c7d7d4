-- What the expressions in postgres.tsv use.
CREATE SCHEMA parity_vectors;
CREATE TYPE parity_vectors.mood AS ENUM ('sad', 'ok', 'very happy', '');
CREATE DOMAIN parity_vectors.positive AS integer CHECK (VALUE > 0);
CREATE DOMAIN parity_vectors.price AS numeric(10,2);
CREATE DOMAIN parity_vectors.price2 AS parity_vectors.price;
CREATE DOMAIN parity_vectors.words AS text[];
CREATE TYPE parity_vectors.pair AS (a integer, "B b" text, t timestamptz);
CREATE TYPE parity_vectors.outer_pair AS (n numeric, p parity_vectors.pair, l integer[]);
CREATE TYPE parity_vectors.floatrange AS RANGE (subtype = float8);
