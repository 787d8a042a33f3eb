DROP TRIGGER history_update;
CREATE TRIGGER history_update BEFORE UPDATE ON history
WHEN NEW.payload IS NOT NULL OR NEW.salt IS NOT NULL OR NEW.id <> OLD.id OR NEW.at <> OLD.at OR NEW.actor_id IS NOT OLD.actor_id
    OR NEW.verb <> OLD.verb OR NEW.object_type <> OLD.object_type OR NEW.object_id <> OLD.object_id
    OR NEW.site_id IS NOT OLD.site_id OR NEW.trajectory_id IS NOT OLD.trajectory_id OR NEW.digest <> OLD.digest BEGIN
    SELECT RAISE(ABORT, 'history is append-only');
END;
-- A seal with a key means nothing to the release before: it seals anew from there.
DELETE FROM "seal" WHERE "until_id" >= (SELECT MIN("until_id") FROM "seal" WHERE "key_id" IS NOT NULL);
ALTER TABLE "seal" DROP COLUMN "unnamed";
ALTER TABLE "seal" DROP COLUMN "key_id";
ALTER TABLE "history" DROP COLUMN "erases";
ALTER TABLE "history" DROP COLUMN "erased_by";
DROP TABLE "refusal";
