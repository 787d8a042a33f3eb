-- Which rules refuse what people type most often; emptied lines of the history name the line that emptied them; seals with a key.

CREATE TABLE "refusal" (
    "id" SERIAL NOT NULL PRIMARY KEY,
    "day" DATE NOT NULL,
    "form" VARCHAR(80) NOT NULL,
    "field" VARCHAR(80) NOT NULL,
    "rule" VARCHAR(200) NOT NULL,
    "count" INTEGER NOT NULL CHECK (count > 0)
);
CREATE UNIQUE INDEX "refusal_day_form_field_rule" ON "refusal" ("day", "form", "field", "rule");

ALTER TABLE "history" ADD COLUMN "erased_by" INTEGER;
ALTER TABLE "history" ADD COLUMN "erases" VARCHAR(100);
ALTER TABLE "seal" ADD COLUMN "key_id" VARCHAR(16);
ALTER TABLE "seal" ADD COLUMN "unnamed" VARCHAR(100);

CREATE OR REPLACE FUNCTION history_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.payload IS NULL AND NEW.salt IS NULL
        AND (NEW.id, NEW.at, NEW.verb, NEW.object_type, NEW.object_id, NEW.digest)
            = (OLD.id, OLD.at, OLD.verb, OLD.object_type, OLD.object_id, OLD.digest)
        AND NEW.actor_id IS NOT DISTINCT FROM OLD.actor_id AND NEW.site_id IS NOT DISTINCT FROM OLD.site_id
        AND NEW.trajectory_id IS NOT DISTINCT FROM OLD.trajectory_id AND NEW.erases IS NOT DISTINCT FROM OLD.erases
        AND (OLD.payload IS NOT NULL OR NEW.erased_by IS NOT DISTINCT FROM OLD.erased_by) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'history is append-only' USING ERRCODE = 'check_violation';
END $$;
