-- Which rules refuse what people type most often; emptied lines of the history name the line that emptied them; seals with a key.

CREATE TABLE "refusal" (
    "id" INTEGER NOT NULL PRIMARY KEY,
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

DROP TRIGGER history_update;
CREATE TRIGGER history_update BEFORE UPDATE ON history
WHEN NEW.payload IS NOT NULL OR NEW.salt IS NOT NULL OR NEW.id <> OLD.id OR NEW.at <> OLD.at OR NEW.actor_id IS NOT OLD.actor_id
    OR NEW.verb <> OLD.verb OR NEW.object_type <> OLD.object_type OR NEW.object_id <> OLD.object_id
    OR NEW.site_id IS NOT OLD.site_id OR NEW.trajectory_id IS NOT OLD.trajectory_id OR NEW.digest <> OLD.digest
    OR NEW.erases IS NOT OLD.erases OR (OLD.payload IS NULL AND NEW.erased_by IS NOT OLD.erased_by) BEGIN
    SELECT RAISE(ABORT, 'history is append-only');
END;
