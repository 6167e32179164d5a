// Modes of what holds secrets. The owner is root of the host unless a daemon of the container must read it.

/** Keys, passwords and what is remembered of them. */
export const SECRET_FILE = 0o600;
/** Folders that hold nothing but such files. */
export const SECRET_FOLDER = 0o700;
