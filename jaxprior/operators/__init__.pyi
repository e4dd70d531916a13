# Forward operators. A name's module, and JAX with it, is imported when the name is first used.
from ._base import NoSettings as NoSettings
from ._base import Operator as Operator
from ._base import batched as batched
from ._base import per_image as per_image
from ._base import take as take
from ._compose import Compose as Compose
from ._finding import load_task as load_task
from ._finding import task_names as task_names
from ._finding import task_summary as task_summary
from ._tables import make_task as make_task
from ._tables import task_table as task_table
from .colorize import Colorize as Colorize
from .deblur import Deblur as Deblur
from .denoise import Denoise as Denoise
from .inpaint import Inpaint as Inpaint
from .reconstruct import Identity as Identity
from .superres import SuperResolve as SuperResolve
