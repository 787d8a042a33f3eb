-- The NIS code of the municipality beside the text that somebody typed.

ALTER TABLE "site" ADD COLUMN "nis" VARCHAR(5);
ALTER TABLE "proposal" ADD COLUMN "nis" VARCHAR(5);
