# A user has moved a message out of Junk. Written by mailctl.
require ["vnd.dovecot.pipe", "copy", "imapsieve", "environment", "variables"];
# Throwing spam away, or moving it within Junk, says nothing in its favour
if environment :matches "imap.mailbox" ["Trash", "Junk", "Junk/*"] { stop; }
pipe :copy "learn" ["ham"];
