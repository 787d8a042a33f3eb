CREATE OR REPLACE FUNCTION history_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.payload IS NULL AND NEW.salt IS NULL
        AND (NEW.id, NEW.at, NEW.verb, NEW.object_type, NEW.object_id, NEW.digest)
            = (OLD.id, OLD.at, OLD.verb, OLD.object_type, OLD.object_id, OLD.digest)
        AND NEW.actor_id IS NOT DISTINCT FROM OLD.actor_id AND NEW.site_id IS NOT DISTINCT FROM OLD.site_id
        AND NEW.trajectory_id IS NOT DISTINCT FROM OLD.trajectory_id THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'history is append-only' USING ERRCODE = 'check_violation';
END $$;
-- A seal with a key means nothing to the release before: it seals anew from there.
DELETE FROM "seal" WHERE "until_id" >= (SELECT MIN("until_id") FROM "seal" WHERE "key_id" IS NOT NULL);
ALTER TABLE "seal" DROP COLUMN "unnamed";
ALTER TABLE "seal" DROP COLUMN "key_id";
ALTER TABLE "history" DROP COLUMN "erases";
ALTER TABLE "history" DROP COLUMN "erased_by";
DROP TABLE "refusal";
